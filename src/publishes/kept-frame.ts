import { explain } from '../base/explanation.js'
import { isBytes } from '../protocol/bytes.js'
import { byteLength, serialise, type Copied } from '../protocol/json.js'
import { unsendable, type Said } from './refusal.js'

/**
 * A frame with a copy of the application's data, which the application may change later. The copy is JSON text, parsed
 * only when needed, or a value with bytes in it, or nothing.
 */
export class KeptFrame<Type extends Said['type']> implements Said {
  declare readonly type: Type
  declare readonly id: string
  /** The topic of a publish or a signal; a request has none. */
  declare readonly topic: string
  /** The method of a request. */
  declare readonly method: string
  declare readonly n: number | undefined
  /** The text sent over the wire, without `age`. */
  declare readonly text: string
  /** The size of the text plus any binary data. */
  declare readonly bytes: number
  declare age: number | undefined
  /** A value with bytes in it, or the index in the text at which the data begins. */
  private readonly kept: unknown

  /**
   * Throws `invalid` for data that cannot be sent; only a request may have no data. The type and the id come from this
   * library, so nothing in them needs escaping.
   */
  constructor(head: Said & { readonly type: Type }, data: unknown, copy: (data: unknown) => Copied = asJson) {
    const { type, id, topic, method, n } = head
    this.type = type
    this.id = id!
    this.topic = topic!
    this.method = method!
    this.n = n
    this.age = undefined
    const kept: Copied = data === undefined && method ? { whole: data, bytes: 0 } : copy(data)
    if ('invalid' in kept) throw unsendable(head, kept)
    const { json } = kept
    const isText = json !== undefined
    const named = JSON.stringify({ topic, method, n }).slice(1, -1)
    const start = `{"type":"${type}","id":"${id}",${named}${isText ? ',"data":' : '}'}`
    this.kept = isText ? start.length : kept.whole
    // Counting the bytes flattens the string once, and the flat string is what is sent.
    this.text = isText ? `${start}${json}}` : start
    this.bytes = byteLength(this.text) + (isText ? 0 : kept.bytes)
  }

  /** The data as JSON text, if it is JSON. */
  get json(): string | undefined {
    return typeof this.kept === 'number' ? this.text.slice(this.kept, -1) : undefined
  }

  get data(): unknown {
    return typeof this.kept === 'number' ? JSON.parse(this.json!) : this.kept
  }
}

function asJson(data: unknown): Copied {
  return isBytes(data) ? { invalid: explain`this protocol carries JSON, and the data is binary` } : serialise(data)
}
