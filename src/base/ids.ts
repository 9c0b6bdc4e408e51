// Names of rows. Sessions and messages are UUIDs (the stream's `session_id` and `uuid`); tasks and runs are short
// random words, so that a prefix of three or four letters is usually enough to name one by hand.
import { randomBytes, randomUUID } from "node:crypto"

export interface Ids {
  uuid(): string
  /** Twelve characters of `a-z2-9` without look-alikes: 59 bits. */
  short(): string
}

const ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"

export const randomIds: Ids = {
  uuid: () => randomUUID(),
  short: () => {
    let id = ""
    while (id.length < 12)
      for (const byte of randomBytes(16)) if (byte < 248 && id.length < 12) id += ALPHABET[byte % 31]
    return id
  },
}
