rule table_formula_command : document {
  meta:
    description = "A cell of a text table starts a command interpreter when a spreadsheet opens it"
    severity = "high"
    author = "Sallyport"
    reference = "https://attack.mitre.org/techniques/T1559/002/"
    attack = "T1559.002"
    date = "2026-11-22"
  strings:
    $pipe = /[=+@-][A-Z0-9()+*@\/"' -]{0,60}(cmd|powershell|mshta|rundll32|regsvr32|certutil|msexcel|wmic)(\.exe)?\|\s{0,4}['"]/ nocase
    $dde = /[=+@-]\s{0,4}DDE\s{0,4}\(\s{0,4}["'](cmd|powershell|mshta|rundll32|regsvr32|certutil)/ nocase
    $sylk = "ID;P"

  condition:
    any of ($pipe, $dde)
    and (
      $sylk at 0 or filename iendswith ".csv" or filename iendswith ".tsv" or filename iendswith ".xls" or
      filename iendswith ".slk" or filename iendswith ".iqy" or filename iendswith ".prn" or filename iendswith ".dif"
    )
}
