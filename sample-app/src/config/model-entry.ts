import {
  IsNumber,
  IsObject,
  IsOptional,
  IsPositive,
  IsUrl,
  Length,
  Matches,
} from 'class-validator';
import { PROVIDER_NAMES } from './model-list';

/** An entry of `model_list`, with the fields of LiteLLM. */
export class ModelEntry {
  @Length(1, 200)
  model_name = '';

  @IsObject()
  litellm_params: object = {};
}

const MODEL = new RegExp(`^(${PROVIDER_NAMES.join('|')})/.+$`);
const FORMS = PROVIDER_NAMES.map((name) => `"${name}/..."`).join(', ');

export class LitellmParams {
  @Matches(MODEL, { message: `model must be one of ${FORMS}` })
  model = '';

  @IsOptional()
  @Matches(/^os\.environ\/.+$/, {
    message: 'api_key must be "os.environ/NAME": the key itself belongs in the secret store',
  })
  api_key?: string;

  @IsOptional()
  @IsUrl(
    { protocols: ['http', 'https'], require_protocol: true, require_tld: false },
    { message: 'api_base must be an address, as "https://api.example.com/v1"' },
  )
  api_base?: string;

  /** The longest silence of the provider, in seconds. Default 600. */
  @IsOptional()
  @IsNumber()
  @IsPositive()
  timeout?: number;
}
