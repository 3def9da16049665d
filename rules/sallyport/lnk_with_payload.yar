rule lnk_with_payload : shortcut dropper {
  meta:
    description = "The Windows shortcut carries a program, archive, document or script behind itself"
    severity = "critical"
    author = "Sallyport"
    reference = "[MS-SHLLINK] 2.1"
    attack = "T1027.009"
    date = "2026-11-22"
  strings:
    $dos = "This program cannot be run in DOS mode"
    $pdf = "%PDF-1."
    $zip = { 50 4B 03 04 (0A | 14 | 2D) 00 }
    $page = /<(script|hta:application)[\s>]/ nocase
    $cabinet = { 4D 53 43 46 00 00 00 00 }
    $ole = { D0 CF 11 E0 A1 B1 1A E1 }

  condition:
    uint32be(0) == 0x4C000000 and uint32be(4) == 0x01140200 and (filesize > 200KB or any of them)
}
