import { Injectable } from '@nestjs/common';
import { type Model, type ProviderName } from '../config/model-list';
import { AnthropicProvider } from './anthropic.provider';
import { EchoProvider } from './echo.provider';
import { OpenAiProvider } from './openai.provider';
import { type Provider } from './provider';

/** The providers of the models. */
@Injectable()
export class Providers {
  readonly #byName: Readonly<Record<ProviderName, Provider>>;

  constructor(openai: OpenAiProvider, anthropic: AnthropicProvider, echo: EchoProvider) {
    this.#byName = { openai, anthropic, echo };
  }

  find({ provider }: Model): Provider {
    return this.#byName[provider];
  }
}
