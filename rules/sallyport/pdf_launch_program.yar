rule pdf_launch_program : document {
  meta:
    description = "The PDF document starts a program or script"
    severity = "high"
    author = "Sallyport"
    reference = "https://attack.mitre.org/techniques/T1204/002/"
    attack = "T1204.002"
    date = "2026-11-22"
  strings:
    $pdf = "%PDF-"
    $after = /\/Launch\b[^\x00>]{0,400}\((([^()]{0,200}[\\\/])?(cmd|powershell|mshta|wscript|cscript|rundll32|regsvr32)(\.exe)?|[^()]{1,200}\.(exe|scr|com|pif|bat|cmd|ps1|js|jse|vbs|vbe|wsf|hta|lnk|msi|jar|iso|vhd))[\s)"']/ nocase
    $before = /\/U?F\s{0,8}\(([^()]{1,200}\.(exe|scr|com|pif|bat|cmd|ps1|js|jse|vbs|vbe|wsf|hta|lnk|msi|jar))\)[^\x00()>]{0,120}\/Launch\b/ nocase

  condition:
    $pdf in (0..1024) and any of ($after, $before)
}
