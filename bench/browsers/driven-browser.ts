export type BrowserName = 'chromium' | 'firefox' | 'webkit'

/**
 * A browser of one's own, in a profile that goes with it, driven as its makers offer it: nothing about its pages is
 * made up.
 */
export interface DrivenBrowser {
  readonly name: BrowserName
  /** As its makers call it, with its version. */
  readonly product: string
  /** A tab in front of the others. */
  openTab(): Promise<DrivenTab>
  close(): Promise<void>
}

export interface DrivenTab {
  /** Resolves when the page is loaded. */
  open(url: string): Promise<void>
  /** Runs `expression` in the page, and waits for it where it is a promise. */
  run<Value>(expression: string): Promise<Value>
  /** One step back in its history, or one forward. */
  back(): Promise<void>
  forward(): Promise<void>
  /** The page is hidden until it is shown. */
  hide(): Promise<void>
  show(): Promise<void>
  /** Tells the browser that it has no network, and stops new connections; absent where it cannot be told. */
  offline?(off: boolean): Promise<void>
  /** Bytes of its heap once nothing is in it that nobody holds; absent where the browser does not tell. */
  heap?(): Promise<number>
  close(): Promise<void>
}
