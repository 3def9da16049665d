rule sealed_zip_program : archive evasion {
  meta:
    description = "The encrypted zip names a program, script, shortcut or disk image"
    severity = "high"
    author = "Sallyport"
    reference = "https://attack.mitre.org/techniques/T1027/013/"
    attack = "T1027.013"
    date = "2026-11-22"
  strings:
    // Central directory: an entry whose first flag bit is set, 37 octets on its name.
    $sealed = /PK\x01\x02.{4}[\x01\x03\x05\x07\x09\x0b\x0d\x0f].{37}[^\x00-\x1f]{1,200}\.(exe|scr|com|pif|cpl|bat|cmd|js|jse|vbs|vbe|wsf|hta|lnk|ps1|msi|iso|img|vhdx?|one|chm)(\x0a\x00|\x01\x99|UT|PK|up)/s nocase

  condition:
    uint32be(0) == 0x504B0304 and $sealed
}
