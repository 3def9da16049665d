rule office_remote_object : document remote {
  meta:
    description = "The document shows an object or frame that it loads from a web server"
    severity = "medium"
    author = "Sallyport"
    reference = "https://attack.mitre.org/techniques/T1221/"
    attack = "T1221"
    date = "2026-11-22"
  strings:
    $before = /\/relationships\/(oleObject|frame|subDocument|aFChunk)["'][^<>]{0,300}Target\s{0,8}=\s{0,8}["']\s{0,8}([Hh][Tt][Tt][Pp][Ss]?|[Ff][Tt][Pp]):/
    $after = /Target\s{0,8}=\s{0,8}["']\s{0,8}([Hh][Tt][Tt][Pp][Ss]?|[Ff][Tt][Pp]):[^<>"']{1,800}["'][^<>]{0,300}\/relationships\/(oleObject|frame|subDocument|aFChunk)["']/

  condition:
    any of them
}
