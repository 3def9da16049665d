rule mail_in_archive_program : archive masquerade {
  meta:
    description = "A message in an archive carries a program, script, shortcut or disk image"
    severity = "high"
    author = "Sallyport"
    reference = "https://attack.mitre.org/techniques/T1204/002/"
    attack = "T1204.002"
    date = "2026-11-22"
  strings:
    $field = /(^|\n)(Received|From|MIME-Version|Message-ID|Subject):/ nocase
    $name = /\b(file)?name\*?(0\*?)?\s{0,4}=\s{0,4}["']?[^"';\r\n]{1,200}\.(exe|scr|pif|cpl|bat|cmd|jse?|vbs|vbe|wsf|hta|lnk|ps1|msi|iso|img|vhdx?|chm)["';\s]/ nocase

  condition:
    $name and $field in (0..512) and part_role == "member"
}
