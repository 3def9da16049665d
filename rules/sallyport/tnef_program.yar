rule tnef_program : archive {
  meta:
    description = "The Outlook capsule holds a program, script or shortcut"
    severity = "high"
    author = "Sallyport"
    reference = "[MS-OXTNEF] 2.1.3"
    attack = "T1204.002"
    date = "2026-11-22"
  strings:
    // attAttachTitle, and attAttachData that begin with a program or a shortcut.
    $title = /\x02\x10\x80\x01\x00.{4}[^\x00]{1,200}\.(exe|scr|com|pif|cpl|bat|cmd|js|jse|vbs|vbe|wsf|hta|lnk|ps1|msi|iso|jar|chm)\x00/s nocase
    $data = { 02 0F 80 06 00 ?? ?? ?? ?? (4D 5A ?? 00 | 4C 00 00 00 01 14 02 00) }

  condition:
    uint32be(0) == 0x789F3E22 and any of them
}
