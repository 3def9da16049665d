rule office_remote_object : document remote {
  meta:
    description = "The document shows an object or frame that it loads from a web server"
    severity = "medium"
    author = "Sallyport"
    reference = "https://attack.mitre.org/techniques/T1221/"
    attack = "T1221"
    date = "2026-11-22"
  strings:
    $before = /Relationship\s[^<>]{0,500}\/relationships\/(oleObject|frame|subDocument|aFChunk)["'][^<>]{0,300}Target\s{0,8}=\s{0,8}["']\s{0,8}(https?|ftp):/ nocase
    $after = /Target\s{0,8}=\s{0,8}["']\s{0,8}(https?|ftp):[^<>"']{1,800}["'][^<>]{0,300}\/relationships\/(oleObject|frame|subDocument|aFChunk)["']/ nocase

  condition:
    any of them
}
