rule html_credential_form : web phishing {
  meta:
    description = "An attached page asks for a password and sends it to another host"
    severity = "medium"
    author = "Sallyport"
    reference = "https://attack.mitre.org/techniques/T1598/002/"
    attack = "T1598.002"
    date = "2026-11-22"
  strings:
    $password = /type\s{0,4}=\s{0,4}\\?["']?password/ nocase
    $form = /<form[^<>]{1,600}action\s{0,4}=\s{0,4}\\?["']?https?:/ nocase
    $post = /(\$\.(ajax|post)|fetch|\.open)\s{0,4}\([^)]{0,300}https?:/
    $ajax = /\burl\s{0,4}:\s{0,4}["']https?:/

  condition:
    $password and any of ($form, $post, $ajax) and filesize < 5MB and part_role != "message" and part_role != "body"
}
