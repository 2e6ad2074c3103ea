export function make<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Record<string, string> = {},
  content = '',
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name)
  for (const [attribute, value] of Object.entries(attributes))
    if (value !== '' || attribute === 'selected') made.setAttribute(attribute, value)
  made.textContent = content
  return made
}

/** Writes only if the text differs, so that a selection in the panel stays. */
export function text(into: HTMLElement, content: string) {
  if (into.textContent !== content) into.textContent = content
}

export const number = (value: number) => value.toLocaleString('en')
export const seconds = (ms: number) =>
  ms < 0
    ? 'a moment'
    : ms < 1_000
      ? `${Math.round(ms)} ms`
      : ms < 120_000
        ? `${(ms / 1_000).toFixed(1)} s`
        : `${Math.round(ms / 60_000)} min`
