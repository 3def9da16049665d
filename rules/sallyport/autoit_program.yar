rule autoit_program : program script {
  meta:
    description = "A program or script of AutoIt, compiled"
    severity = "high"
    author = "Sallyport"
    reference = "https://attack.mitre.org/techniques/T1059/010/"
    attack = "T1059.010"
    date = "2026-11-22"
  strings:
    $script = { A3 48 4B BE 98 6C 4A A9 99 4C 53 0A 86 D6 48 7D 41 55 33 21 45 41 30 (35 | 36) }

  condition:
    $script and (uint16(0) == 0x5A4D or $script at 0)
}
