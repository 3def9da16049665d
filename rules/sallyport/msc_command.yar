rule msc_command : script {
  meta:
    description = "A management console file starts commands or script when it is opened"
    severity = "high"
    author = "Sallyport"
    reference = "https://attack.mitre.org/techniques/T1218/014/"
    attack = "T1218.014"
    date = "2026-11-22"
  strings:
    $console = "<MMC_ConsoleFile"
    $script1 = "apds.dll" nocase
    $script2 = "javascript:" nocase
    $script3 = "transformNode" nocase
    $command = /<(String|CommandLine)[^<>]{0,200}>[^<>]{0,200}\b(powershell|cmd(\.exe)?\s|mshta|wscript|cscript|rundll32|regsvr32)/ nocase
    $task = /CommandLine\s{0,4}=\s{0,4}["'][^"']{0,200}\b(powershell|cmd|mshta|wscript|cscript|rundll32|regsvr32)/ nocase

  condition:
    $console in (0..1024) and any of ($script1, $script2, $script3, $command, $task)
}
