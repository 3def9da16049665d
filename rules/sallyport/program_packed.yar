rule program_packed : program evasion {
  meta:
    description = "The Windows program has been packed or protected, so that what it does cannot be read"
    severity = "medium"
    author = "Sallyport"
    reference = "https://attack.mitre.org/techniques/T1027/002/"
    attack = "T1027.002"
    date = "2026-11-22"
  strings:
    // Names in the table of sections, which lies in the first kilobytes.
    $section = /(UPX[01]|\.aspack|\.adata|\.vmp[0-2]|\.themida|\.winlice|MPRESS[12]|\.enigma[12]|\.petite|PEC2[A-Z]|\.nsp[0-2]|\.mew|\.perplex|\.yP|ASPack)\x00/

  condition:
    uint16(0) == 0x5A4D and uint32(0x3C) < 2048 and uint32(uint32(0x3C)) == 0x00004550 and $section in (0..4096)
}
