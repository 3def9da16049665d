rule xlm_formula_run : document macro {
  meta:
    description = "An Excel 4 macro sheet starts programs or calls system functions"
    severity = "high"
    author = "Sallyport"
    reference = "https://attack.mitre.org/techniques/T1059/"
    attack = "T1059"
    date = "2026-11-22"
  strings:
    $sheet = "macrosheet"
    $run = /<f[^<>]{0,60}>[^<]{0,400}\b(EXEC|CALL|REGISTER|FWRITELN|FOPEN)\s{0,4}\(/ nocase
    // As the extractors tell the formulas of any kind of workbook: cell by cell.
    $told = /\b[A-Z]{1,3}[0-9]{1,7}: =[^\r\n]{0,400}\b(EXEC|CALL|REGISTER|FWRITELN|FOPEN)\(/

  condition:
    ($sheet in (0..2048) and $run) or ($told and part_role == "artefact")
}
