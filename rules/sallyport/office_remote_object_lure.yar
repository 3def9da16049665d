rule office_remote_object_lure : document remote exploit {
  meta:
    description = "The document loads a web page, a script or something from a bare address as an embedded object"
    severity = "high"
    author = "Sallyport"
    reference = "https://attack.mitre.org/techniques/T1221/"
    attack = "T1221"
    date = "2026-11-22"
  strings:
    $scheme = /\/relationships\/(oleObject|frame|subDocument|aFChunk|attachedTemplate)["'][^<>]{0,300}Target\s{0,8}=\s{0,8}["']\s{0,8}([Mm][Hh][Tt][Mm][Ll]|[Ss]cript|ms-msdt|search-ms|wsdl)[:=]/
    // html, hta, sct, wsf, js: in words they would make the engine look at every such name.
    $page = /\/relationships\/(oleObject|subDocument|aFChunk)["'][^<>]{0,300}Target\s{0,8}=\s{0,8}["']\s{0,8}[Hh][Tt][Tt][Pp][Ss]?:\/\/[^"'<>]{1,800}\.[hHsSwWjJ][a-zA-Z]{1,3}[!?"']/
    $address = /\/relationships\/(oleObject|frame|subDocument|aFChunk)["'][^<>]{0,300}Target\s{0,8}=\s{0,8}["']\s{0,8}[Hh][Tt][Tt][Pp][Ss]?:\/\/([1-9]|1[1-9]|[2-9][0-9]|1[013-68][0-9]|12[0-689]|17[013-9]|19[013-9]|2[0-5][0-9])(\.[0-9]{1,3}){3}[:\/]/

  condition:
    any of them
}
