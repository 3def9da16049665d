rule lnk_command : shortcut script {
  meta:
    description = "The Windows shortcut starts a command interpreter or another tool that runs commands"
    severity = "critical"
    author = "Sallyport"
    reference = "[MS-SHLLINK] 2.1"
    attack = "T1204.002"
    date = "2026-11-22"
  strings:
    $tool = /(powershell|pwsh|mshta|wscript|cscript|regsvr32|certutil|bitsadmin|forfiles|conhost|pcalua|ftp\.exe|curl\.exe|cmd\.exe)/ ascii wide nocase
    $slash = /\bcmd(\.exe)?["'\s]{1,8}\/[ckrv]\b/ ascii wide nocase

  condition:
    uint32be(0) == 0x4C000000 and uint32be(4) == 0x01140200 and any of them
}
