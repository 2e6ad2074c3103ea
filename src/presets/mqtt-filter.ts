/** Whether a topic filter (`a/+/c`, `a/#`) takes that topic name. Names that begin with `$` are for filters that do. */
export function filterTakes(filter: string, topic: string): boolean {
  const [levels, names] = [filter.split('/'), topic.split('/')]
  if (topic.startsWith('$') && levels[0] !== names[0]) return false
  const end = levels.indexOf('#')
  if (end < 0 && levels.length !== names.length) return false
  return (end < 0 ? levels : levels.slice(0, end)).every(
    (level, at) => names[at] !== undefined && (level === '+' || level === names[at]),
  )
}

/** What MQTT 4.7 lets a filter be; what is none a broker answers by closing the connection. */
export function isFilter(filter: string): boolean {
  const levels = filter.split('/')
  return (
    filter !== '' &&
    filter.length <= 16_000 &&
    !filter.includes('\u0000') &&
    levels.every((level, at) => (level === '#' ? at === levels.length - 1 : level === '+' || !/[+#]/.test(level)))
  )
}

/** A topic to publish to has no wildcards. */
export function isTopicName(topic: string): boolean {
  return isFilter(topic) && !/[+#]/.test(topic)
}
