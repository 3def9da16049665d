/** The marks by which text is told apart, in the order in which they are asked. */
import { binhex, rtf, yenc } from "./types.ts";

export type Mark = readonly [type: string, pattern: RegExp];

/** Interpreter lines name the language. */
export const interpreters: readonly Mark[] = [
  ["text/x-python", /python/],
  ["text/x-perl", /perl/],
  ["text/x-ruby", /ruby/],
  ["text/x-php", /php/],
  ["text/javascript", /node|deno|bun/],
  ["text/x-powershell", /pwsh/],
  ["application/x-applescript", /osascript/],
  ["text/x-shellscript", /./],
];

/** Marks at the very beginning, white space aside. */
export const openings: readonly Mark[] = [
  [rtf, /^\{\\rt/],
  ["application/pdf", /^%PDF-/],
  ["application/postscript", /^%!PS/],
  ["application/x-vbe", /^#@~\^[\w+/]{6}==/],
  ["text/calendar", /^BEGIN:VCALENDAR\b/i],
  ["text/vcard", /^BEGIN:VCARD\b/i],
  ["text/x-sylk", /^ID;P/],
  ["application/x-ms-iqy", /^WEB\r?\n1\r?\n\s*\S/i],
  ["application/x-ms-udl", /^\[oledb\]/i],
  ["text/x-ms-regedit", /^(?:REGEDIT4|Windows Registry Editor Version)\b/],
  ["application/x-vmdk", /^# Disk DescriptorFile/],
  ["application/x-uuencode", /^begin(?:-base64)? +[0-7]{3,4} +\S[^\n]*\n/],
  [yenc, /^=ybegin [^\n]{0,200}size=\d/],
  [binhex, /^(?:[^:\n]{0,200}\n){0,8}?\(This file must be converted with BinHex/],
  ["application/pgp-encrypted", /^-----BEGIN PGP MESSAGE-----/],
];

/** Sections and settings of small configuration files that do something when opened. */
export const settings: readonly Mark[] = [
  ["application/x-mswinurl", /^\[InternetShortcut(?:\.[AW])?\]/im],
  ["application/x-ms-scf", /^\[Shell\][\s\S]{0,400}?^(?:Command|IconFile)[ \t]*=/im],
  ["application/x-autorun", /^\[AutoRun(?:\.\w+)?\]/im],
  ["application/x-ms-theme", /^\[(?:MasterThemeSelector|Control Panel\\Desktop)\]/im],
  ["application/x-desktop", /^\[Desktop Entry\]/m],
  [
    "application/x-rdp",
    /^(?:full address|alternate full address|remoteapplicationprogram|screen mode id|gatewayhostname):[sibSIB]:/im,
  ],
  ["text/x-ms-inf", /^\[Version\][\s\S]{0,800}?^[ \t]*Signature[ \t]*=[ \t]*"?\$/im],
];

/** Elements that only their own format has. */
export const elements: readonly Mark[] = [
  ["application/hta", /<hta:application\b/i],
  ["application/x-ms-console", /<MMC_ConsoleFile\b/],
  ["application/windows-library+xml", /<libraryDescription\b/],
  ["application/windows-search-connector+xml", /<searchConnectorDescription\b/],
  ["application/windows-search-connector+xml", /<persistedQuery\b/],
  ["application/x-webloc", /<plist\b[\s\S]{0,400}?<key>\s{0,20}URL\s{0,20}<\/key>/],
  ["application/x-ms-settingcontent", /<PCSettings\b|<SearchableContent\b/],
  ["application/vnd.ms-wordml", /<\?mso-application\s+progid="Word\.Document"|<w:wordDocument\b/],
  ["application/vnd.ms-spreadsheetml", /<\?mso-application\s+progid="Excel\.Sheet"/],
  ["application/vnd.ms-flat-opc", /<pkg:package\b/],
];

/** Kinds of XML that act: by the name of the outermost element, and one that must be inside. */
export const rooted: readonly (readonly [type: string, roots: readonly string[], inside: RegExp])[] = [
  ["application/x-wsf", ["package", "job", "component", "scriptlet"], /<(?:script|registration|implements)\b/i],
  ["application/x-ms-application", ["assembly", "asmv1:assembly"], /<(?:deployment|entryPoint)\b/],
  ["application/x-msbuild", ["project"], /<(?:UsingTask|Exec)\b/],
];

export interface Language {
  readonly type: string;
  /** Each that occurs counts its weight; three make a script. */
  readonly marks: readonly (readonly [weight: number, pattern: RegExp])[];
}

export const languages: readonly Language[] = [
  {
    type: "text/vbscript",
    marks: [
      [3, /\bCreateObject\s*\(\s*["'][\w.]+["']/i],
      [2, /^[ \t]*On Error Resume Next\b/im],
      [2, /^[ \t]*(?:Private |Public )?(?:Sub|Function)[ \t]+\w+[ \t]*(?:\(|$)/im],
      [1, /^[ \t]*End (?:Sub|Function|If)\b/im],
      [1, /^[ \t]*Dim[ \t]+\w+/im],
      [1, /^[ \t]*Set[ \t]+\w+[ \t]*=/im],
      [2, /\b(?:ExecuteGlobal|Execute|Chr[W$]?)\s*\(/i],
      [2, /\bWScript\.\w+/i],
      [1, /\bMsgBox\b/i],
    ],
  },
  {
    type: "text/javascript",
    marks: [
      [3, /\bnew\s+ActiveXObject\s*\(/],
      [2, /\bWScript\.\w+/],
      [2, /\beval\s*\(/],
      [2, /\bfunction\s{0,9}[\w$]{0,200}\s{0,9}\([\w$,\s]{0,200}\)\s*\{/],
      [2, /\(\s{0,9}(?:async\s{0,9})?\([\w$,\s]{0,200}\)\s*=>/],
      [1, /^[ \t]*(?:var|let|const)[ \t]+[\w$]+[ \t]*=/m],
      [1, /\b(?:String\.fromCharCode|unescape|parseInt|atob)\s*\(/],
      [1, /\b(?:document|window|module|exports|process|console)\.[\w$]+/],
      [1, /^[ \t]*(?:import\s.{1,200}\sfrom\s|export\s|["']use strict["'])/m],
      [1, /;[ \t]*$/m],
    ],
  },
  {
    type: "text/x-powershell",
    marks: [
      [
        3,
        /\b(?:Invoke-Expression|Invoke-WebRequest|Start-Process|Start-BitsTransfer|Set-ExecutionPolicy|Import-Module|New-Object\s+(?:System\.|Net\.|-Com))/i,
      ],
      [2, /^[ \t]*\$\w+[ \t]*=/m],
      [
        2,
        /\[(?:System\.)?(?:Convert|Text\.Encoding|Net\.WebClient|Reflection\.Assembly|Runtime\.InteropServices)[\w.]*\]/i,
      ],
      [1, /\|\s*(?:iex|Out-Null|ForEach-Object|Where-Object|%|\?)\s*/i],
      [2, /^[ \t]*(?:function\s+\w+-\w+|param\s*\(|\[CmdletBinding)/im],
      [1, /\b(?:Write-Host|Write-Output|Get-\w+|Set-\w+|Remove-Item|Add-Type)\b/i],
      [2, /\bpowershell(?:\.exe)?\s+-/i],
    ],
  },
  {
    type: "text/x-msdos-batch",
    marks: [
      [3, /^[ \t]*@?echo\s+off\b/im],
      [2, /^[ \t]*@?(?:setlocal|endlocal|rem\s|start\s+["/]|cmd(?:\.exe)?\s+\/c|powershell(?:\.exe)?\s)/im],
      [2, /%(?:~[a-z]+\d|comspec|temp|appdata|systemroot|userprofile|cd)%?/i],
      [1, /^[ \t]*@?(?:if\s+(?:not\s+)?exist|goto\s+:?\w+|call\s+:?\w+|set\s+"?\w+=)/im],
      [1, /^:\w{1,60}[ \t]*$/m],
      [2, /^[ \t]*(?:certutil|bitsadmin|mshta|rundll32|regsvr32|wscript|cscript|msiexec)(?:\.exe)?\s/im],
    ],
  },
  {
    type: "text/x-python",
    marks: [
      [2, /^(?:import[ \t]+\w+(?:,[ \t]*\w+){0,20}[ \t]*$|from[ \t]+[\w.]+[ \t]+import\s)/m],
      [2, /^(?:def|class)\s+\w+\s*(?:\(.{0,200}\))?\s*:/m],
      [2, /^if\s+__name__\s*==/m],
      [1, /^[ \t]+(?:return|self\.\w+\s*=)/m],
    ],
  },
];
