rule equation_command : document exploit {
  meta:
    description = "A formula of the old equation editor holds a command or an address"
    severity = "critical"
    author = "Sallyport"
    reference = "https://nvd.nist.gov/vuln/detail/CVE-2017-11882"
    attack = "T1203"
    date = "2026-11-22"
  strings:
    // EQNOLEFILEHDR, then an MTEF header of version 3.
    $formula = /\x1c\x00\x00\x00\x02\x00.{22}\x03.{4}.{0,400}(cmd(\.exe)? \/c|mshta|powershell|rundll32|regsvr32|https?:\/\/|\.exe\x00)/s nocase

  condition:
    $formula
}
