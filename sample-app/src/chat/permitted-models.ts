import { HttpStatus, Injectable } from '@nestjs/common';
import { ModelList, type Model } from '../config/model-list';
import { OpenAiError } from '../errors/openai-error';
import { type Caller } from '../keys/caller';

/** The models that a caller may use. */
@Injectable()
export class PermittedModels {
  constructor(private readonly all: ModelList) {}

  list(caller: Caller): readonly Model[] {
    return this.all.models.filter(({ name }) => isPermitted(name, caller));
  }

  /** Returns a model. Throws a 404 if it does not exist, and a 403 if the caller may not use it. */
  find(name: string, caller: Caller): Model {
    const details = { type: 'invalid_request_error', param: 'model' };
    if (!isPermitted(name, caller)) {
      const message =
        'This key may not use this model. GET /v1/models lists those that it may use.';
      throw new OpenAiError(HttpStatus.FORBIDDEN, {
        ...details,
        message,
        code: 'model_not_allowed',
      });
    }
    const model = this.all.find(name);
    if (model !== undefined) return model;
    throw noSuchModel();
  }

  /**
   * Returns a model that the caller may use. Throws the same 404 for all others, because the list leaves them out.
   */
  findVisible(name: string, caller: Caller): Model {
    const model = this.list(caller).find((each) => each.name === name);
    if (model !== undefined) return model;
    throw noSuchModel();
  }
}

function noSuchModel(): OpenAiError {
  return new OpenAiError(HttpStatus.NOT_FOUND, {
    message: 'There is no such model. GET /v1/models lists those that there are.',
    type: 'invalid_request_error',
    param: 'model',
    code: 'model_not_found',
  });
}

function isPermitted(name: string, { models }: Caller): boolean {
  return models.length === 0 || models.includes(name);
}
