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
    $hidden = /\s[\/-]w(in|indow|indowstyle)?\s{1,4}["']?(h|hidden|1)\b/ ascii wide nocase
    $get1 = ".DownloadString(" ascii wide nocase
    $get2 = ".DownloadFile(" ascii wide nocase
    $get3 = ".DownloadData(" ascii wide nocase
    $get4 = /\b(Invoke-WebRequest|Invoke-RestMethod|iwr|irm|Start-BitsTransfer|curl|wget)\s[^\r\n]{0,200}https?:\/\// ascii wide nocase
    $run1 = /\b(IEX|Invoke-Expression)\b/ ascii wide nocase
    $run2 = "Start-Process" ascii wide nocase
    $run3 = /Reflection\.Assembly\]?::Load/ ascii wide nocase

  condition:
    part_role != "message" and part_role != "attached-message" and part_role != "body" and filesize < 10MB
    and $shell and $hidden and any of ($get*) and any of ($run*)
}
