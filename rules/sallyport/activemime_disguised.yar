rule activemime_disguised : document macro evasion {
  meta:
    description = "A web archive with Office macros or objects pretends to be an ordinary document"
    severity = "high"
    author = "Sallyport"
    reference = "https://attack.mitre.org/techniques/T1027/"
    attack = "T1027"
    date = "2026-11-22"
  strings:
    $raw = "ActiveMime"
    // In base64, as a part of the archive.
    $encoded = /QWN0aXZlTWlt[\s]{0,4}Z/
    $mime = "MIME-Version:" nocase

  condition:
    (
      ($raw at 0 and filename contains "." and not filename iendswith ".mso") or
      (
        $encoded and $mime in (0..4096) and filename contains "." and
        not (filename iendswith ".mht" or filename iendswith ".mhtml" or filename iendswith ".eml")
      )
    )
    and part_role != "message" and part_role != "body" and part_role != "attached-message"
}
