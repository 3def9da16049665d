rule maldoc_in_pdf : document polyglot macro {
  meta:
    description = "What begins as a PDF document is a web archive with Office macros or objects"
    severity = "critical"
    author = "Sallyport"
    reference = "https://blogs.jpcert.or.jp/en/2023/08/maldocinpdf.html"
    attack = "T1036.008"
    date = "2026-11-22"
  strings:
    $pdf = "%PDF-"
    $mime = "MIME-Version:" nocase
    $related = /Content-Type:\s{0,8}(multipart\/(related|mixed)|application\/x-mso)/ nocase
    $active = "ActiveMime"
    $encoded = /QWN0aXZlTWlt[\s]{0,4}Z/
    $office = "schemas-microsoft-com:office:" nocase
    $mso = "application/x-mso" nocase

  condition:
    $pdf in (0..1024) and $mime and $related and any of ($active, $encoded, $office, $mso)
}
