/** What is done where no policy is configured; written as a policy file, so that it can be copied and changed. */
export const defaultPolicy = `version: 1
rules:
  - name: dangerous
    if: { severity: high }
    then: quarantine
    reason: Something dangerous was found

  - name: not-inspected
    if: { outcome: [malformed, limit, timeout, crashed, unsupported] }
    then: quarantine
    reason: A part could not be inspected to its end

  - name: ambiguous
    if: { inspector: [dissect, eml], tag: [conflict, partial] }
    then: quarantine
    reason: Two mail programs would see different attachments

  - name: encrypted
    if: { outcome: encrypted }
    then: forward
    tags: [encrypted]

  - name: suspicious
    if: { severity: medium }
    then: forward
    tags: [suspicious]

  - name: odd
    if: { inspector: [dissect, eml], tag: odd }
    then: forward
    tags: [odd]

  - name: default
    then: forward
`;
