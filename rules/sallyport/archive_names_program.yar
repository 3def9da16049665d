rule archive_names_program : archive {
  meta:
    description = "The directory of the archive names a program, script or shortcut"
    severity = "high"
    author = "Sallyport"
    reference = "https://attack.mitre.org/techniques/T1204/002/"
    attack = "T1204.002"
    date = "2026-11-22"
  strings:
    // LZH: the method of each member, its header, then its name.
    $lzh = /-l[hz][0-9ds]-.{13}[\x00-\x02].{1,300}\.(exe|scr|com|pif|cpl|bat|cmd|js|jse|vbs|vbe|wsf|hta|lnk|ps1|msi)/s nocase
    $ace = "**ACE**"
    $name = /[\w ()\[\]\x80-\xff-]{2,120}\.(exe|scr|com|pif|cpl|bat|cmd|js|jse|vbs|vbe|wsf|hta|lnk|ps1|msi|iso)/ nocase
    $terminated = /[\w ()\[\]\\\x80-\xff-]{2,120}\.(exe|scr|com|pif|cpl|bat|cmd|js|jse|vbs|vbe|wsf|hta|lnk|ps1|msi|iso)\x00/ nocase

  condition:
    (uint16be(2) == 0x2D6C and $lzh)
    or ($ace at 7 and $name in (14..600))
    or (uint32be(0) == 0x4D534346 and uint32be(4) == 0 and $terminated in (36..8192))
    or (uint16be(0) == 0x60EA and $terminated in (30..400))
    or (uint32be(0) == 0x52617221 and $name in (20..600))
}
