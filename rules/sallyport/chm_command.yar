rule chm_command : script {
  meta:
    description = "The help file holds a shortcut object that runs a command"
    severity = "critical"
    author = "Sallyport"
    reference = "https://attack.mitre.org/techniques/T1218/001/"
    attack = "T1218.001"
    date = "2026-11-22"
  strings:
    $object = "52A2AAAE-085D-4187-97EA-8C30DB990436" nocase
    $command = /\b(cmd|powershell|mshta|wscript|cscript|rundll32|regsvr32|certutil|hh)(\.exe)?[\s,"']/ nocase

  condition:
    uint32be(0) == 0x49545346 and $object and $command
}
