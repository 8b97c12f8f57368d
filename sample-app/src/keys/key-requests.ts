import {
  ArrayMaxSize,
  IsArray,
  IsBoolean,
  IsOptional,
  IsString,
  Length,
  Matches,
} from 'class-validator';
import { IsDuration } from './duration';
import { KEY_FORM } from './key-record';

/** The aliases that every store accepts. "virtual-key-" begins the names of keys without an alias. */
const ALIAS = /^(?!virtual-key-)(?!\.+$)[\w.@+=-]{1,100}$/;
const aliasRule = {
  message:
    '$property takes up to 100 letters, digits and .@+=-_, and does not begin with "virtual-key-"',
};
const keyRule = { message: '$property must be "sk-" and 16 letters, digits, - or _, or more' };

class KeyLimitsDto {
  @IsOptional()
  @Matches(ALIAS, aliasRule)
  key_alias?: string | null;

  @IsOptional()
  @Length(1, 200, { each: true })
  @ArrayMaxSize(200) // rules are checked from the last to the first
  @IsArray()
  models?: string[] | null;

  @IsOptional()
  @IsBoolean()
  blocked?: boolean | null;
}

export class GenerateKeyDto extends KeyLimitsDto {
  @IsOptional()
  @Matches(KEY_FORM, keyRule)
  key?: string;

  @IsOptional()
  @IsDuration()
  duration?: string | null;
}

/** The changes of a key. A missing field or `null` changes nothing. */
class ChangeKeyDto extends KeyLimitsDto {
  /** The duration from now on. `-1` never ends. */
  @IsOptional()
  @IsDuration({ allowsForEver: true })
  duration?: string | null;
}

export class RegenerateKeyDto extends ChangeKeyDto {
  /** The key, unless the path has it. */
  @IsOptional()
  @IsString()
  key?: string;

  @IsOptional()
  @Matches(KEY_FORM, keyRule)
  new_key?: string;

  /** The time for which the replaced key may still be used. Default: not at all. */
  @IsOptional()
  @IsDuration({ allowsZero: true })
  grace_period?: string | null;
}

export class UpdateKeyDto extends ChangeKeyDto {
  @Length(1, 1_000)
  key = '';
}

export class KeyDto {
  @Length(1, 1_000)
  key = '';
}

export class DeleteKeysDto {
  @IsOptional()
  @IsString({ each: true })
  @ArrayMaxSize(1_000)
  @IsArray()
  keys?: string[];

  @IsOptional()
  @Matches(ALIAS, { ...aliasRule, each: true })
  @ArrayMaxSize(1_000)
  @IsArray()
  key_aliases?: string[];
}
