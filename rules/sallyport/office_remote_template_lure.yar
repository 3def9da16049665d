rule office_remote_template_lure : document remote {
  meta:
    description = "The document loads as its template something that bears no template's name, or comes from a bare address"
    severity = "high"
    author = "Sallyport"
    reference = "https://attack.mitre.org/techniques/T1221/"
    attack = "T1221"
    date = "2026-11-22"
  strings:
    $type = "/relationships/attachedTemplate" ascii wide
    $external = /TargetMode\s{0,8}=\s{0,8}["']External/ ascii wide nocase
    $remote = /Target\s{0,8}=\s{0,8}["']\s{0,8}(https?|ftp):\/\/[^"'<>]{1,800}["']/ ascii wide nocase
    // What SharePoint and portals hand out.
    $honest = /Target\s{0,8}=\s{0,8}["']\s{0,8}(https?|ftp):\/\/[^"'<>]{1,800}\.do[ct][xm]?(\?[^"'<>]{0,400})?["']/ ascii wide nocase
    // Not 10, 127, 172, 192: those are mostly a company's own.
    $address = /Target\s{0,8}=\s{0,8}["']\s{0,8}(https?|ftp):\/\/([1-9]|1[1-9]|[2-9][0-9]|1[013-68][0-9]|12[0-689]|17[013-9]|19[013-9]|2[0-5][0-9])(\.[0-9]{1,3}){3}[:\/]/ ascii wide nocase
    $webdav = /Target\s{0,8}=\s{0,8}["'][^"'<>]{0,200}@(SSL|[0-9]{2,5})[\\\/]/ ascii wide nocase
    $encoded = /Target\s{0,8}=\s{0,8}["'][^"'<>&]{0,40}&#/ ascii wide nocase

  condition:
    filesize < 256KB and $type and $external and (#remote > #honest or $address or $webdav or $encoded)
}
