rule pdf_script_on_open : document script {
  meta:
    description = "The PDF document runs JavaScript when it is opened, as some forms do"
    severity = "low"
    author = "Sallyport"
    reference = "https://attack.mitre.org/techniques/T1059/007/"
    attack = "T1059.007"
    date = "2026-11-22"
  strings:
    $pdf = "%PDF-"
    $script = /\/(JavaScript|JS)[\s<(\[\/0-9]/
    $open = /\/(OpenAction|AA)[\s<(\[0-9]/

  condition:
    $pdf in (0..1024) and $script and $open
}
