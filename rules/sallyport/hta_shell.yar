rule hta_shell : script web {
  meta:
    description = "An HTML application runs commands or programs"
    severity = "critical"
    author = "Sallyport"
    reference = "https://attack.mitre.org/techniques/T1218/005/"
    attack = "T1218.005"
    date = "2026-11-22"
  strings:
    $hta = /<hta:application\b/ nocase
    $script = /<script[\s>\/]/ nocase
    $shell1 = "WScript.Shell" nocase
    $shell2 = "Shell.Application" nocase
    $shell3 = "winmgmts:" nocase
    $shell4 = "powershell" nocase
    $shell5 = /\bnew\s{1,4}ActiveXObject\s{0,4}\(/ nocase
    $shell6 = /\bGetObject\s{0,4}\(\s{0,4}["']script:/ nocase

  condition:
    $script and any of ($shell*) and ($hta or filename iendswith ".hta") and part_role != "message" and part_role != "body"
}
