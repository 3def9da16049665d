rule powershell_hidden_download : script dropper {
  meta:
    description = "A PowerShell command without a window fetches something and runs it"
    severity = "high"
    author = "Sallyport"
    reference = "https://attack.mitre.org/techniques/T1059/001/"
    attack = "T1059.001"
    date = "2026-11-22"
  strings:
    $shell = /\b(powershell|pwsh)\b/ ascii wide nocase
    $hidden1 = "-w hid" ascii wide nocase
    $hidden2 = "-win hid" ascii wide nocase
    $hidden3 = "-window hid" ascii wide nocase
    $hidden4 = "-windowstyle hid" ascii wide nocase
    $hidden5 = "-windowstyle h " ascii wide nocase
    $hidden6 = "-w h " ascii wide nocase
    $hidden7 = "-w 1 " ascii wide nocase
    $get1 = ".DownloadString(" ascii wide nocase
    $get2 = ".DownloadFile(" ascii wide nocase
    $get3 = ".DownloadData(" ascii wide nocase
    $get4 = "Invoke-WebRequest" ascii wide nocase
    $get5 = "Invoke-RestMethod" ascii wide nocase
    $get6 = "Start-BitsTransfer" ascii wide nocase
    $get7 = "iwr http" ascii wide nocase
    $get8 = "irm http" ascii wide nocase
    $get9 = "curl http" ascii wide nocase
    $run1 = /iex\s?\(/ ascii wide nocase
    $run4 = /\|\s?iex/ ascii wide nocase
    $run5 = "Invoke-Expression" ascii wide nocase
    $run2 = "Start-Process" ascii wide nocase
    $run3 = /Reflection\.Assembly\]?::Load/ ascii wide nocase

  condition:
    $shell and any of ($hidden*) and any of ($get*) and any of ($run*) and filesize < 10MB
    and part_role != "message" and part_role != "attached-message" and part_role != "body"
}
