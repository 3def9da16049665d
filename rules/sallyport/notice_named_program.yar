rule notice_named_program : program masquerade lure {
  meta:
    description = "A program, script or shortcut is named like a notice, an invoice or an application form in Japanese"
    severity = "high"
    author = "Sallyport"
    reference = "https://attack.mitre.org/techniques/T1036/007/"
    attack = "T1036.007"
    date = "2026-11-22"
  condition:
    // The first octets of kana and kanji: most names have none of them, and to match a name is dear.
    (
      filename contains "\xe3" or filename contains "\xe5" or filename contains "\xe6" or
      filename contains "\xe7" or filename contains "\xe8" or filename contains "\xe9"
    )
    and filename matches /(通知|お知らせ|ご案内|案内状|請求書|見積|議事録|申込書|申請書|履歴書|納品書|注文書|発注書|領収|不在票|源泉徴収|医療費|健康保険|年金|確定申告|給与明細|賞与|調査票|アンケート|ご確認|回答|緊急連絡|名簿|日程|資料)/
    and filename matches /\.(exe|scr|com|pif|cpl|bat|cmd|js|jse|vbs|vbe|wsf|hta|lnk|ps1|jar|chm)[\s.]*$/i
}
