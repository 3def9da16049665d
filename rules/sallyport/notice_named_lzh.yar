rule notice_named_lzh : archive lure {
  meta:
    description = "An archive of a kind that only Japan used is named like a notice, an invoice or an application form"
    severity = "medium"
    author = "Sallyport"
    reference = "https://attack.mitre.org/techniques/T1036/007/"
    attack = "T1036.007"
    date = "2026-11-22"
  strings:
    $method = /-l[hz][0-9ds]-/

  condition:
    ($method at 2 or filename iendswith ".lzh")
    and filename matches /(通知|お知らせ|ご案内|請求書|見積|議事録|申込書|申請書|履歴書|納品書|注文書|医療費|健康保険|年金|確定申告|給与明細|調査票|ご確認)/
}
