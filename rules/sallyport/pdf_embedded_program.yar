rule pdf_embedded_program : document dropper {
  meta:
    description = "A file within the PDF document bears the extension of a program, script, disk image or macro document"
    severity = "high"
    author = "Sallyport"
    reference = "https://attack.mitre.org/techniques/T1204/002/"
    attack = "T1204.002"
    date = "2026-11-22"
  strings:
    $pdf = "%PDF-"
    $embedded = /\/EmbeddedFiles?\b/
    $name = /\/U?F\s{0,8}\([^()\r\n]{1,200}\.(exe|scr|pif|cpl|bat|cmd|ps1|js|jse|vbs|vbe|wsf|hta|lnk|msi|jar|chm|iso|img|vhdx?|one|docm|xlsm|pptm|settingcontent-ms)\)/ nocase
    // The same in UTF-16: as octets, and in hexadecimal.
    $wide = /\/U?F\s{0,8}\(\xfe\xff[^()]{1,400}\x00\.\x00(e\x00x\x00e|s\x00c\x00r|j\x00s|v\x00b\x00s|h\x00t\x00a|l\x00n\x00k|i\x00s\x00o|d\x00o\x00c\x00m|x\x00l\x00s\x00m)\)/ nocase
    $hex = /\/U?F\s{0,8}<\s{0,4}feff[0-9a-f]{4,800}002e(006500780065|007300630072|006a0073|007600620073|006800740061|006c006e006b|00690073006f|0064006f0063006d|0078006c0073006d)\s{0,4}>/ nocase
    $open = /exportDataObject\s{0,4}\(\s{0,4}\\?\{[^}]{0,200}nLaunch\s{0,4}:\s{0,4}[12]/

  condition:
    $pdf in (0..1024) and (($embedded and any of ($name, $wide, $hex)) or $open)
}
