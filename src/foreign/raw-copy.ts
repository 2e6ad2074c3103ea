import { explain } from '../base/explanation.js'
import { bytesOf, isBytes } from '../protocol/bytes.js'
import { serialise, type Copied, type Replacer } from '../protocol/json.js'

/** A copy of the data of a publish: bytes, if `binary`, or JSON. Bytes within JSON are refused. */
export function copyOf(data: unknown, binary: boolean): Copied {
  if (!binary || !isBytes(data)) return serialise(data, withoutBytes)
  const whole = bytesOf(data)
  return { whole, bytes: whole.byteLength }
}

/** JSON would turn bytes into something else. A Buffer of Node has done so itself by now, in its `toJSON`. */
const withoutBytes: Replacer = function (name, value) {
  if (isBytes(this[name]) || isBytes(value))
    throw new TypeError(explain`JSON has no bytes, and the data has some in it`)
  return value
}
