rule powershell_encoded_command : script evasion {
  meta:
    description = "A PowerShell command line with its commands in base64"
    severity = "high"
    author = "Sallyport"
    reference = "https://attack.mitre.org/techniques/T1059/001/"
    attack = "T1059.001"
    date = "2026-11-22"
  strings:
    $command = /(powershell|pwsh)(\.exe)?["'\s][^\r\n\x00]{0,300}[\/-](e|ec|en|enc[a-z]{0,11})\s{1,8}["']?[A-Za-z0-9+\/]{60}/ ascii wide nocase

  condition:
    $command and part_role != "message" and part_role != "attached-message" and part_role != "body"
}
