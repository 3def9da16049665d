rule base64_program : script smuggling {
  meta:
    description = "Text that is no mail carries a Windows program in base64"
    severity = "high"
    author = "Sallyport"
    reference = "https://attack.mitre.org/techniques/T1027/009/"
    attack = "T1027.009"
    date = "2026-11-22"
  strings:
    // Of the message that every such program has for DOS; in any of the three alignments.
    $dos = "This program cannot be run in DOS mode" base64 base64wide
    $head1 = "TVqQAAMAAAAEAAAA//8AALgAAAA"
    $head2 = "TVpQAAIAAAAEAA8A//8AALgAAAA"

  condition:
    any of them and uint16(0) != 0x5A4D and part_role != "message" and part_role != "attached-message"
}
