/** One table of the media types that we tell apart: what kind of thing each is, what people call it, and the extensions it honestly bears. */
import type { Severity } from "../../src/core/outcome.ts";

export type Kind =
  | "executable"
  | "script"
  | "shortcut"
  | "archive"
  | "disk-image"
  | "document"
  | "image"
  | "media"
  | "markup"
  | "message"
  | "text"
  | "data"
  /** Says something about another type of the set (it holds macros, it is encrypted) and never stands alone. */
  | "trait";

export interface TypeInfo {
  readonly kind: Kind;
  readonly label: string;
  readonly extensions: readonly string[];
  /** Of a script or shortcut that came as an attachment; the default is high. */
  readonly severity?: Severity;
}

const table = new Map<string, TypeInfo>();

function define(
  kind: Kind,
  rows: readonly (readonly [type: string, label: string, extensions?: string, severity?: Severity])[],
): void {
  for (const [type, label, extensions = "", severity] of rows)
    table.set(type, { kind, label, extensions: extensions.split(" ").filter(Boolean), ...(severity && { severity }) });
}

export const pe = "application/vnd.microsoft.portable-executable";
export const dosExecutable = "application/x-dosexec";
export const zip = "application/zip";
export const rtf = "application/rtf";
export const mimeArchive = "application/x-mimearchive";
export const rfc822 = "message/rfc822";
export const mbox = "application/mbox";
export const yenc = "application/x-yenc";
export const binhex = "application/mac-binhex40";
export const plain = "text/plain";
export const octets = "application/octet-stream";
export const empty = "application/x-empty";
export const vbaProject = "application/vnd.ms-office.vbaproject";
export const macroSheet = "application/vnd.ms-excel.macrosheet+xml";
export const basicLibrary = "application/x-opendocument-basic";
export const encrypted = "application/x-encrypted-document";

define("executable", [
  [pe, "Windows program", "exe scr com pif cpl sys drv ocx efi mui"],
  ["application/x-ms-dll", "Windows library", "dll xll ocx cpl wll drv ax acm"],
  ["application/x-ms-xll", "Excel add-in", "xll"],
  [dosExecutable, "DOS program", "exe com"],
  ["application/x-elf", "ELF program", "elf so o ko axf bin"],
  ["application/x-mach-binary", "macOS program", "dylib bundle"],
  ["application/x-msi", "Windows installer", "msi msp mst"],
  ["application/java-archive", "Java program", "jar war ear"],
  ["application/java-vm", "Java class", "class"],
  ["application/vnd.android.package-archive", "Android program", "apk"],
  ["application/vnd.android.dex", "Android code", "dex"],
  ["application/x-ios-app", "iOS program", "ipa"],
  ["application/vnd.ms-appx", "Windows app package", "appx msix appxbundle msixbundle"],
  ["application/vnd.debian.binary-package", "Debian package", "deb udeb"],
  ["application/x-rpm", "RPM package", "rpm"],
  ["application/x-nsis", "installer", "exe"],
  ["application/x-chrome-extension", "browser extension", "crx"],
  ["application/vsix", "editor extension", "vsix"],
]);
define("script", [
  ["application/hta", "HTML application", "hta"],
  ["application/vnd.ms-htmlhelp", "compiled HTML help", "chm"],
  ["application/winhlp", "Windows help", "hlp"],
  ["application/x-vbe", "encoded script", "vbe jse"],
  ["text/vbscript", "VBScript", "vbs vba bas cls frm"],
  ["text/javascript", "JavaScript", "js jse mjs cjs ts jsx tsx"],
  ["text/x-powershell", "PowerShell script", "ps1 psm1 psd1"],
  ["text/x-msdos-batch", "batch file", "bat cmd"],
  ["application/x-wsf", "Windows script file", "wsf wsc sct"],
  ["application/x-ms-console", "management console", "msc"],
  ["application/x-msbuild", "build project", "csproj vbproj proj", "medium"],
  ["text/x-ms-regedit", "registry file", "reg"],
  ["text/x-ms-inf", "setup information file", "inf", "medium"],
  ["text/x-shellscript", "shell script", "sh bash zsh ksh command", "medium"],
  ["text/x-python", "Python script", "py pyw", "medium"],
  ["text/x-perl", "Perl script", "pl pm", "medium"],
  ["text/x-ruby", "Ruby script", "rb", "medium"],
  ["text/x-php", "PHP script", "php phtml", "medium"],
  ["application/x-applescript", "AppleScript", "scpt applescript"],
  ["application/x-shockwave-flash", "Flash program", "swf", "medium"],
  ["text/x-autoit", "AutoIt script", "au3 ahk"],
]);
define("shortcut", [
  ["application/x-ms-shortcut", "Windows shortcut", "lnk"],
  ["application/x-mswinurl", "internet shortcut", "url website"],
  ["application/x-ms-iqy", "Excel web query", "iqy"],
  ["text/x-sylk", "SYLK sheet", "slk sylk"],
  ["application/x-rdp", "remote desktop connection", "rdp"],
  ["application/x-ms-settingcontent", "settings shortcut", "settingcontent-ms"],
  ["application/windows-library+xml", "library of folders", "library-ms"],
  ["application/windows-search-connector+xml", "search connector", "searchconnector-ms search-ms"],
  ["application/x-ms-scf", "Explorer command", "scf"],
  ["application/x-ms-theme", "Windows theme", "theme themepack deskthemepack"],
  ["application/x-ms-udl", "data link", "udl odc"],
  ["application/x-ms-application", "ClickOnce manifest", "application appref-ms"],
  ["application/x-desktop", "desktop entry", "desktop"],
  ["application/x-webloc", "internet location", "webloc inetloc fileloc", "medium"],
  ["application/x-autorun", "autorun file", ""],
]);
define("archive", [
  [zip, "zip archive", "zip zipx jar apk war ear xpi kmz cbz epub vsix nupkg whl"],
  ["application/gzip", "gzip archive", "gz tgz svgz emz wmz vmz tbz dia"],
  ["application/x-tar", "tar archive", "tar gem"],
  ["application/x-bzip2", "bzip2 archive", "bz2 tbz tbz2"],
  ["application/x-xz", "xz archive", "xz txz"],
  ["application/zstd", "Zstandard archive", "zst tzst"],
  ["application/x-lzma", "LZMA archive", "lzma"],
  ["application/x-lzip", "lzip archive", "lz"],
  ["application/x-lz4", "LZ4 archive", "lz4"],
  ["application/x-zoo", "ZOO archive", "zoo"],
  ["application/x-stuffit", "StuffIt archive", "sit sitx"],
  [binhex, "BinHex file", "hqx"],
  [yenc, "yEnc file", "ync yenc"],
  ["application/x-compress", "compress archive", "z taz"],
  ["application/x-ms-szdd", "compressed file", ""],
  ["application/x-brotli", "Brotli archive", "br"],
  ["application/x-uuencode", "uuencoded file", "uu uue xx xxe"],
  ["application/x-7z-compressed", "7-Zip archive", "7z cb7"],
  ["application/vnd.rar", "RAR archive", "rar cbr r00"],
  ["application/x-ace-compressed", "ACE archive", "ace"],
  ["application/x-arj", "ARJ archive", "arj"],
  ["application/x-lzh-compressed", "LZH archive", "lzh lha lzs"],
  ["application/vnd.ms-cab-compressed", "cabinet", "cab onepkg wsp diagcab"],
  ["application/x-cpio", "cpio archive", "cpio"],
  ["application/x-archive", "ar archive", "a ar lib"],
  ["application/x-xar", "xar archive", "xar pkg safariextz"],
  ["application/x-alz-compressed", "ALZ archive", "alz"],
  ["application/x-egg-compressed", "EGG archive", "egg"],
  ["application/vnd.ms-tnef", "TNEF capsule", "dat tnef"],
]);
define("disk-image", [
  ["application/x-iso9660-image", "ISO image", "iso img udf bin cdr toast"],
  ["application/x-vhd", "virtual disk", "vhd"],
  ["application/x-vhdx", "virtual disk", "vhdx"],
  ["application/x-vmdk", "virtual disk", "vmdk"],
  ["application/x-qemu-disk", "virtual disk", "qcow2 qcow"],
  ["application/x-vdi", "virtual disk", "vdi"],
  ["application/x-raw-disk-image", "disk image", "img ima raw dsk vfd flp bin"],
  ["application/x-ms-wim", "Windows image", "wim swm esd ppkg"],
  ["application/x-apple-diskimage", "macOS disk image", "dmg"],
  ["application/x-squashfs", "squashfs image", "sqsh snap"],
]);
const openXml = "application/vnd.openxmlformats-officedocument.";
define("document", [
  ["application/pdf", "PDF document", "pdf ai fdf"],
  [rtf, "RTF document", "rtf doc dot"],
  ["application/msword", "Word document", "doc dot wiz"],
  ["application/vnd.ms-excel", "Excel workbook", "xls xlt xla xlm xlw"],
  ["application/vnd.ms-powerpoint", "PowerPoint presentation", "ppt pps pot ppa"],
  ["application/vnd.ms-project", "Project plan", "mpp mpt"],
  ["application/vnd.visio", "Visio drawing", "vsd vst vss vdw"],
  ["application/x-mspublisher", "Publisher document", "pub"],
  ["application/x-ole-storage", "OLE document", "doc xls ppt msg db hwp jtd max mpp wps shs"],
  [`${openXml}wordprocessingml.document`, "Word document", "docx doc"],
  [`${openXml}wordprocessingml.template`, "Word template", "dotx dot"],
  ["application/vnd.ms-word.document.macroenabled.12", "Word document with macros", "docm"],
  ["application/vnd.ms-word.template.macroenabled.12", "Word template with macros", "dotm"],
  [`${openXml}spreadsheetml.sheet`, "Excel workbook", "xlsx xls"],
  [`${openXml}spreadsheetml.template`, "Excel template", "xltx xlt"],
  ["application/vnd.ms-excel.sheet.macroenabled.12", "Excel workbook with macros", "xlsm"],
  ["application/vnd.ms-excel.template.macroenabled.12", "Excel template with macros", "xltm"],
  ["application/vnd.ms-excel.addin.macroenabled.12", "Excel add-in", "xlam"],
  ["application/vnd.ms-excel.sheet.binary.macroenabled.12", "binary Excel workbook", "xlsb"],
  [`${openXml}presentationml.presentation`, "PowerPoint presentation", "pptx ppt"],
  [`${openXml}presentationml.slideshow`, "PowerPoint slide show", "ppsx pps"],
  [`${openXml}presentationml.template`, "PowerPoint template", "potx pot"],
  ["application/vnd.ms-powerpoint.presentation.macroenabled.12", "PowerPoint presentation with macros", "pptm"],
  ["application/vnd.ms-powerpoint.slideshow.macroenabled.12", "PowerPoint slide show with macros", "ppsm"],
  ["application/vnd.ms-powerpoint.template.macroenabled.12", "PowerPoint template with macros", "potm"],
  ["application/vnd.ms-powerpoint.addin.macroenabled.12", "PowerPoint add-in", "ppam"],
  ["application/vnd.ms-visio.drawing.main+xml", "Visio drawing", "vsdx vstx vssx"],
  ["application/vnd.ms-visio.drawing.macroenabled.main+xml", "Visio drawing with macros", "vsdm vstm vssm"],
  ["application/vnd.openxmlformats-package", "Open XML package", "docx xlsx pptx thmx 3mf glox nupkg xps oxps"],
  ["application/oxps", "XPS document", "xps oxps"],
  ["application/vnd.oasis.opendocument.text", "OpenDocument text", "odt ott fodt"],
  ["application/vnd.oasis.opendocument.spreadsheet", "OpenDocument spreadsheet", "ods ots"],
  ["application/vnd.oasis.opendocument.presentation", "OpenDocument presentation", "odp otp"],
  ["application/vnd.oasis.opendocument.graphics", "OpenDocument drawing", "odg otg"],
  ["application/vnd.oasis.opendocument", "OpenDocument file", "odt ods odp odg odf odb odc odm sxw sxc sxi"],
  ["application/epub+zip", "e-book", "epub"],
  ["application/vnd.apple.iwork", "iWork document", "pages numbers key"],
  ["application/vnd.apple.pages", "Pages document", "pages"],
  ["application/vnd.apple.numbers", "Numbers document", "numbers"],
  ["application/vnd.apple.keynote", "Keynote document", "key"],
  ["application/onenote", "OneNote section", "one onetoc2"],
  ["application/vnd.ms-wordml", "Word 2003 XML document", "xml doc"],
  ["application/vnd.ms-spreadsheetml", "Excel 2003 XML workbook", "xml xls"],
  ["application/vnd.ms-flat-opc", "flat Open XML document", "xml doc docx"],
  ["application/x-mso", "ActiveMime capsule", "mso"],
  ["application/postscript", "PostScript document", "ps eps ai"],
  ["application/vnd.ms-access", "Access database", "mdb accdb mde accde mda"],
  ["application/vnd.sqlite3", "SQLite database", "db sqlite sqlite3"],
]);
define("image", [
  ["image/jpeg", "JPEG image", "jpg jpeg jpe jfif jif mpo"],
  ["image/png", "PNG image", "png apng"],
  ["image/apng", "PNG animation", "png apng"],
  ["image/gif", "GIF image", "gif"],
  ["image/bmp", "bitmap", "bmp dib"],
  ["image/tiff", "TIFF image", "tif tiff dng nef cr2 arw"],
  ["image/webp", "WebP image", "webp"],
  ["image/vnd.microsoft.icon", "icon", "ico cur"],
  ["image/heic", "HEIC image", "heic heif"],
  ["image/avif", "AVIF image", "avif"],
  ["image/emf", "metafile", "emf"],
  ["image/wmf", "metafile", "wmf"],
  ["image/vnd.adobe.photoshop", "Photoshop image", "psd psb"],
  ["image/jp2", "JPEG 2000 image", "jp2 j2k jpf jpx"],
  ["image/vnd.dwg", "AutoCAD drawing", "dwg dwt"],
]);
define("media", [
  ["video/mp4", "MP4 video", "mp4 m4v m4a m4b 3gp mov f4v"],
  ["video/quicktime", "QuickTime video", "mov qt"],
  ["video/matroska", "Matroska video", "mkv mka webm"],
  ["video/webm", "WebM video", "webm"],
  ["video/vnd.avi", "AVI video", "avi"],
  ["video/mpeg", "MPEG video", "mpg mpeg vob"],
  ["video/x-ms-asf", "Windows media", "wmv wma asf"],
  ["audio/mpeg", "MP3 audio", "mp3 mp2 mpga"],
  ["audio/wav", "WAV audio", "wav"],
  ["audio/ogg", "Ogg media", "ogg oga ogv opus spx"],
  ["audio/flac", "FLAC audio", "flac"],
  ["audio/midi", "MIDI music", "mid midi kar"],
  ["audio/amr", "AMR audio", "amr"],
  ["audio/mp4", "MP4 audio", "m4a m4b mp4"],
  ["font/ttf", "font", "ttf otf"],
  ["font/otf", "font", "otf ttf"],
  ["font/woff", "font", "woff"],
  ["font/woff2", "font", "woff2"],
]);
define("markup", [
  ["text/html", "HTML page", "html htm xhtml shtml mht mhtml xht asp aspx"],
  ["image/svg+xml", "SVG image", "svg"],
  [mimeArchive, "web archive", "mht mhtml doc"],
  ["application/xslt+xml", "XSL style sheet", "xsl xslt"],
]);
define("message", [
  [rfc822, "message", "eml mht mhtml nws mbox txt"],
  [mbox, "mail folder", "mbox mbx eml txt"],
  ["application/vnd.ms-outlook", "Outlook item", "msg oft"],
  ["application/vnd.ms-outlook-pst", "Outlook data file", "pst ost"],
  ["text/calendar", "calendar", "ics ical ifb vcs"],
  ["text/vcard", "address card", "vcf vcard"],
  ["application/pkcs7-mime", "S/MIME message", "p7m"],
  ["application/pkcs7-signature", "S/MIME signature", "p7s p7b p7c"],
  ["application/pgp-encrypted", "OpenPGP message", "pgp gpg asc"],
]);
define("text", [
  [
    plain,
    "text",
    "txt csv tsv log md text ini cfg conf json yaml yml toml tex srt vtt c h cc cpp hpp cs java go rs css scss less sql diff patch asc pem crt cer key ics vcf rst nfo me eml dat p7s sig",
  ],
  [
    "text/xml",
    "XML",
    "xml xsd xsl xslt rss atom kml gpx xaml config plist resx rdf wsdl vcxproj csproj nuspec musicxml rels",
  ],
  ["application/json", "JSON", "json geojson ipynb map har"],
]);
define("data", [
  [octets, "unrecognised data"],
  ["application/applefile", "AppleSingle or AppleDouble file", "as"],
  ["application/x-macbinary", "MacBinary file", "bin macbin"],
  [empty, "nothing"],
]);
define("trait", [
  [vbaProject, "VBA project"],
  [macroSheet, "Excel 4.0 macro sheet"],
  [basicLibrary, "OpenDocument macros"],
  [encrypted, "encryption"],
]);

const holders = new Set([
  "application/vnd.ms-outlook",
  "application/vnd.ms-outlook-pst",
  "application/pkcs7-mime",
  "application/onenote",
  "application/applefile",
  "application/x-macbinary",
  mbox,
]);

/** Whether it is there to hold other files: unless somebody opens it, nothing is known of those. */
export const holdsFiles = (type: string): boolean => {
  const { kind } = typeInfo(type);
  return kind === "archive" || kind === "disk-image" || holders.has(type);
};

/** What is known of a type; for one that the table has not, what its top-level type tells. */
export function typeInfo(type: string): TypeInfo {
  const known = table.get(type);
  if (known) return known;
  const top = type.slice(0, type.indexOf("/"));
  const kind: Kind =
    top === "image"
      ? "image"
      : top === "audio" || top === "video" || top === "font"
        ? "media"
        : top === "text"
          ? "text"
          : "data";
  return { kind, label: type, extensions: [] };
}

export const isKnown = (type: string): boolean => table.has(type);

const kindsByExtension = new Map<string, Set<Kind>>();
for (const { kind, extensions } of table.values())
  for (const extension of extensions)
    kindsByExtension.set(extension, (kindsByExtension.get(extension) ?? new Set()).add(kind));

const none: ReadonlySet<Kind> = new Set();
/** The kinds of thing that honestly bear this extension; empty if we do not know it. */
export const kindsOfExtension = (extension: string): ReadonlySet<Kind> => kindsByExtension.get(extension) ?? none;
