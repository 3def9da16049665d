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
    $formula = { 1C 00 00 00 02 00 [22] 03 (00 | 01) (00 | 01) 03 }
    $command = /cmd(\.exe)?\s{1,4}\/[ck]|mshta|powershell|rundll32|regsvr32|http:\/\// nocase

  condition:
    $formula and $command and for any i in (1..16) : ($command in (@formula[i] + 28 .. @formula[i] + 500))
}
