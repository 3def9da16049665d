rule uuencoded_program : archive smuggling {
  meta:
    description = "Text carries a Windows program or shortcut in uuencode"
    severity = "high"
    author = "Sallyport"
    reference = "https://attack.mitre.org/techniques/T1027/"
    attack = "T1027"
    date = "2026-11-22"
  strings:
    $uu = /begin [0-7]{3,4} [^\r\n]{1,255}\r?\nM(35[HIJ]|3\$\$@)/
    $base64 = /begin-base64 [0-7]{3,4} [^\r\n]{1,255}\r?\n(TV[pqo]|TAAAAAEUAg)/

  condition:
    any of them and part_role != "message" and part_role != "attached-message"
}
