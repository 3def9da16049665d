rule archive_names_program : archive {
  meta:
    description = "The directory of the archive names a program, script or shortcut"
    severity = "high"
    author = "Sallyport"
    reference = "https://attack.mitre.org/techniques/T1204/002/"
    attack = "T1204.002"
    date = "2026-11-22"
  strings:
    $name = /[\w ()\]\x80-\xff-]{2}\.(exe|scr|com|pif|cpl|bat|cmd|js|jse|vbs|vbe|wsf|hta|lnk|ps1|msi|iso)/ nocase
    // LZH has its names in a header before each member, behind the method; the others near their beginning.
    $lzh = /-l[hz][0-9ds]-/
    $ace = "**ACE**"

  condition:
    $name and (
      ($lzh at 2 and for any i in (1..64) : ($name in (@lzh[i] + 19 .. @lzh[i] + 280))) or
      ($ace at 7 and $name in (14..600)) or
      (uint32be(0) == 0x4D534346 and uint32be(4) == 0 and $name in (36..2048)) or
      (uint16be(0) == 0x60EA and $name in (30..400)) or
      (uint32be(0) == 0x52617221 and $name in (20..600))
    )
}
