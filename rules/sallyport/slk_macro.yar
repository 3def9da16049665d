rule slk_macro : document macro {
  meta:
    description = "The SYLK table starts a macro by itself or holds one that runs programs"
    severity = "high"
    author = "Sallyport"
    reference = "https://attack.mitre.org/techniques/T1059/"
    attack = "T1059"
    date = "2026-11-22"
  strings:
    $sylk = "ID;P"
    $start = /NN;NAuto_?(open|close)/ nocase
    $run = /;E[^\r\n]{0,200}\b(EXEC|CALL|REGISTER)\s{0,4}\(/ nocase

  condition:
    $sylk at 0 and any of ($start, $run)
}
