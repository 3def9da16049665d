/** Ten messages that show what the gateway does: harmless look-alikes, made here. */
import { docx, pdf } from "../fixtures/documents.ts";
import { eicar, peStub, zeroBomb, zip } from "../fixtures/make.ts";

export interface Sample {
  readonly title: string;
  readonly message: Buffer;
}

interface Attachment {
  readonly name: string;
  readonly type: string;
  readonly bytes: Buffer;
}

const lines = (bytes: Buffer): string => bytes.toString("base64").replace(/.{1,76}/g, "$&\r\n");

function message(subject: string, text: string, ...attachments: readonly Attachment[]): Buffer {
  const head = [
    "From: Demo Sender <sender@client.test>",
    "To: Demo Recipient <recipient@example.test>",
    `Subject: ${subject}`,
    "Date: Mon, 18 May 2015 10:28:00 +0900",
    `Message-ID: <${subject.replace(/\W+/g, "-").toLowerCase()}@client.test>`,
    "MIME-Version: 1.0",
  ];
  const body = `Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n${text}\r\n`;
  if (attachments.length === 0) return Buffer.from(`${head.join("\r\n")}\r\n${body}`);
  const part = ({ name, type, bytes }: Attachment): string => {
    const encoded = /^[\x20-\x7e]*$/.test(name) ? `filename="${name}"` : `filename*=utf-8''${encodeURIComponent(name)}`;
    return `--demo\r\nContent-Type: ${type}\r\nContent-Disposition: attachment; ${encoded}\r\nContent-Transfer-Encoding: base64\r\n\r\n${lines(bytes)}`;
  };
  return Buffer.from(
    `${head.join("\r\n")}\r\nContent-Type: multipart/mixed; boundary=demo\r\n\r\n--demo\r\n${body}${attachments.map(part).join("")}--demo--\r\n`,
  );
}

const broken = Buffer.from(
  [
    "From: sender@client.test",
    "To: recipient@example.test",
    "Subject: Two boundaries, two truths",
    "MIME-Version: 1.0",
    'Content-Type: multipart/mixed; boundary="one"; boundary="two"',
    "",
    "--one",
    "Content-Type: text/plain",
    "",
    "what one reader sees",
    "--two",
    'Content-Type: application/octet-stream; name="seen-by-the-other.exe"',
    "Content-Transfer-Encoding: base64",
    "",
    peStub()
      .toString("base64")
      .replace(/.{1,76}/g, "$&\r\n"),
    "--two--",
    "--one--",
    "",
  ].join("\r\n"),
);

const zipped = (name: string, bytes: Buffer): Attachment => ({ name, type: "application/zip", bytes });

export const samples: readonly Sample[] = [
  { title: "plain text", message: message("Lunch on Friday", "Shall we say noon?") },
  {
    title: "clean Word document",
    message: message("The report", "Please find it attached.", {
      name: "report.docx",
      type: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
      bytes: docx(),
    }),
  },
  {
    title: "clean PDF",
    message: message("Your invoice", "Thank you.", { name: "invoice.pdf", type: "application/pdf", bytes: pdf() }),
  },
  {
    title: "EICAR in a zip",
    message: message(
      "Test",
      "The test file of all scanners.",
      zipped("test.zip", zip([{ name: "eicar.com", data: eicar() }])),
    ),
  },
  {
    title: "EXE behind a right-to-left override",
    message: message(
      "Open seminar",
      "Please apply with the attached form.",
      zipped("form.zip", zip([{ name: "application\u202excod.exe", data: peStub() }])),
    ),
  },
  {
    title: "macros in a .docx",
    message: message("Prices", "See the table.", {
      name: "prices.docx",
      type: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
      bytes: docx({ vba: "hidden" }),
    }),
  },
  { title: "a bomb: 1 GiB in 1 MB", message: message("Photos", "All of them.", zipped("photos.zip", zeroBomb(1024))) },
  {
    title: "a zip with a password",
    message: message(
      "Confidential",
      "The password follows.",
      zipped("confidential.zip", zip([{ name: "list.xlsx", data: Buffer.from("secret"), password: "secret" }])),
    ),
  },
  { title: "broken MIME: two boundaries", message: broken },
  {
    title: "a program that calls itself a PDF",
    message: message("Scan from the copier", "Three pages.", {
      name: "scan.pdf",
      type: "application/pdf",
      bytes: peStub(),
    }),
  },
];
