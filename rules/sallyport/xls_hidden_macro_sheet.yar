rule xls_hidden_macro_sheet : document macro {
  meta:
    description = "The workbook hides an Excel 4 macro sheet"
    severity = "high"
    author = "Sallyport"
    reference = "https://attack.mitre.org/techniques/T1564/"
    attack = "T1564"
    date = "2026-11-22"
  strings:
    // BoundSheet8 of a hidden (1) or very hidden (2) macro sheet (1): length, offset, state, type, characters, width.
    $bound = { 85 00 ?? 00 ?? ?? ?? ?? (01 | 02) 01 ?? (00 | 01) }
    $hidden = /<sheet\s[^<>]{0,300}state\s{0,4}=\s{0,4}["'](veryHidden|hidden)["']/
    $start = /<definedName\s[^<>]{0,200}_xlnm\.Auto_(Open|Close)/ nocase

  condition:
    (
      uint32be(0) == 0xD0CF11E0 and
      for any i in (1..64) : (
        uint16(@bound[i] + 2) == 8 + uint8(@bound[i] + 10) * (1 + uint8(@bound[i] + 11))
      )
    )
    or ($hidden and $start)
}
