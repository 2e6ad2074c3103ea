/** As React Native's: it knows http alone, has no setters, checks nothing, and throws at nothing. */
export class PoorURL {
  readonly href: string
  constructor(text: string) {
    this.href = /^\w+:\/\/[^/?#]+$/.test(text) ? `${text}/` : text
  }
  get protocol() {
    return /^[a-z]+:/.exec(this.href)?.[0] ?? ''
  }
  get origin() {
    return /^https?:\/\/[^/]+/.exec(this.href)?.[0] ?? ''
  }
  get username() {
    return ''
  }
  get password() {
    return ''
  }
  get hash() {
    return ''
  }
  get searchParams() {
    return new URLSearchParams(this.href.split('?')[1])
  }
}
