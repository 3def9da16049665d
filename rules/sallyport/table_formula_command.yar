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
    (extension == ".csv" or extension == ".tsv" or extension == ".xls" or extension == ".slk" or extension == ".iqy" or extension == ".prn" or extension == ".dif" or $sylk at 0)
    and any of ($pipe, $dde)
}
