rule url_remote_target : shortcut remote {
  meta:
    description = "The internet shortcut opens a file of another machine, or a program"
    severity = "high"
    author = "Sallyport"
    reference = "https://attack.mitre.org/techniques/T1187/"
    attack = "T1187"
    date = "2026-11-22"
  strings:
    $mark = /\[InternetShortcut(\.[AW])?\]/ nocase
    $share = /\b(URL|BaseURL|IconFile|WorkingDirectory)\s{0,4}=\s{0,4}["']?(file:(\/\/|\\\\)[^\/\\\s]|file:\/\/\/\/\/?[^\/\s]|file:\/\/\/\\\\|\\\\[^\s\\])/ nocase
    $webdav = /\b(URL|BaseURL|IconFile)\s{0,4}=[^\r\n]{0,200}(@SSL|@[0-9]{2,5}[\\\/]|DavWWWRoot)/ nocase
    $program = /\b(URL|BaseURL)\s{0,4}=[^\r\n]{1,400}\.(exe|scr|pif|cpl|msi|bat|cmd|ps1|js|jse|vbs|vbe|wsf|hta|lnk|chm|iso|vhdx?|jar)\s{0,8}[\r\n]/ nocase

  condition:
    $mark in (0..1024) and filesize < 64KB and any of ($share, $webdav, $program)
}
