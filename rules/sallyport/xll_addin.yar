rule xll_addin : program document {
  meta:
    description = "The Windows library is an Excel add-in, which runs when Excel opens it"
    severity = "high"
    author = "Sallyport"
    reference = "https://attack.mitre.org/techniques/T1137/006/"
    attack = "T1137.006"
    date = "2026-11-22"
  strings:
    $export = /xlAuto(Open|Add|Register12?)\x00/

  condition:
    uint16(0) == 0x5A4D and uint32(uint32(0x3C)) == 0x00004550 and $export
}
