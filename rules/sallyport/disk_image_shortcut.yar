rule disk_image_shortcut : container shortcut {
  meta:
    description = "The disk image holds a Windows shortcut, as images that hide their origin do"
    severity = "high"
    author = "Sallyport"
    reference = "https://attack.mitre.org/techniques/T1553/005/"
    attack = "T1553.005"
    date = "2026-11-22"
  strings:
    $cd = "CD001"
    $vhd = "conectix"
    $link = { 4C 00 00 00 01 14 02 00 00 00 00 00 C0 00 00 00 00 00 00 46 }
    $name = /[A-Z0-9_~-]{1,60}\.LNK;1/
    $joliet = /\.\x00L\x00N\x00K\x00;\x001/ nocase

  condition:
    filesize < 100MB
    and ($cd at 32769 or $vhd at 0 or $vhd at filesize - 512 or uint32be(0) == 0x76686478 or uint32be(0) == 0x4B444D56)
    and any of ($link, $name, $joliet)
}
