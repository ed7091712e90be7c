package wprequest

import (
	"strings"
	"unicode/utf8"
)

// accentPairs are the characters that remove_accents spells in ASCII, each with its
// spelling, in the locale en_US. Other locales spell some of the same letters in
// another way; [Key] brings both spellings of an account together only as far as
// Unicode does.
const accentPairs = "" +
	"£ ªa ºo ÀA ÁA ÂA ÃA ÄA ÅA ÆAE ÇC ÈE ÉE ÊE ËE ÌI ÍI ÎI ÏI ÐD ÑN ÒO ÓO ÔO ÕO ÖO ØO ÙU ÚU ÛU ÜU ÝY ÞTH " +
	"ßs àa áa âa ãa äa åa æae çc èe ée êe ëe ìi íi îi ïi ðd ñn òo óo ôo õo öo øo ùu úu ûu üu ýy þth ÿy " +
	"ĀA āa ĂA ăa ĄA ąa ĆC ćc ĈC ĉc ĊC ċc ČC čc ĎD ďd ĐD đd ĒE ēe ĔE ĕe ĖE ėe ĘE ęe ĚE ěe ĜG ĝg ĞG ğg ĠG " +
	"ġg ĢG ģg ĤH ĥh ĦH ħh ĨI ĩi ĪI īi ĬI ĭi ĮI įi İI ıi ĲIJ ĳij ĴJ ĵj ĶK ķk ĸk ĹL ĺl ĻL ļl ĽL ľl ĿL ŀl " +
	"ŁL łl ŃN ńn ŅN ņn ŇN ňn ŉn ŊN ŋn ŌO ōo ŎO ŏo ŐO őo ŒOE œoe ŔR ŕr ŖR ŗr ŘR řr ŚS śs ŜS ŝs ŞS şs ŠS " +
	"šs ŢT ţt ŤT ťt ŦT ŧt ŨU ũu ŪU ūu ŬU ŭu ŮU ůu ŰU űu ŲU ųu ŴW ŵw ŶY ŷy ŸY ŹZ źz ŻZ żz ŽZ žz ſs ƠO ơo " +
	"ƯU ưu ǍA ǎa ǏI ǐi ǑO ǒo ǓU ǔu ǕU ǖu ǗU ǘu ǙU ǚu ǛU ǜu ȘS șs ȚT țt ɑa ẠA ạa ẢA ảa ẤA ấa ẦA ầa ẨA ẩa " +
	"ẪA ẫa ẬA ậa ẮA ắa ẰA ằa ẲA ẳa ẴA ẵa ẶA ặa ẸE ẹe ẺE ẻe ẼE ẽe ẾE ếe ỀE ềe ỂE ểe ỄE ễe ỆE ệe ỈI ỉi ỊI " +
	"ịi ỌO ọo ỎO ỏo ỐO ốo ỒO ồo ỔO ổo ỖO ỗo ỘO ộo ỚO ớo ỜO ờo ỞO ởo ỠO ỡo ỢO ợo ỤU ụu ỦU ủu ỨU ứu ỪU ừu " +
	"ỬU ửu ỮU ữu ỰU ựu ỲY ỳy ỴY ỵy ỶY ỷy ỸY ỹy €E"

// latin1Pairs are the same for the bytes of text that is not UTF-8; the character with
// the number of a byte stands for it.
const latin1Pairs = "" +
	"\u0080E \u0083f \u008aS \u008cOE \u008eZ \u009as \u009coe \u009ez \u009fY ¢c ¥Y µu ÀA ÁA ÂA ÃA ÄA ÅA " +
	"ÆAE ÇC ÈE ÉE ÊE ËE ÌI ÍI ÎI ÏI ÐDH ÑN ÒO ÓO ÔO ÕO ÖO ØO ÙU ÚU ÛU ÜU ÝY ÞTH ßss àa áa âa ãa äa åa æae " +
	"çc èe ée êe ëe ìi íi îi ïi ðdh ñn òo óo ôo õo öo øo ùu úu ûu üu ýy þth ÿy"

// accents is the table for whole UTF-8 text; latin1 the one for text that is not UTF-8,
// which remove_accents takes for ISO 8859-1.
var accents, latin1 = readPairs(accentPairs), readPairs(latin1Pairs)

func readPairs(text string) map[rune]string {
	table := map[rune]string{}
	for pair := range strings.SplitSeq(text, " ") {
		r, size := utf8.DecodeRuneInString(pair)
		table[r] = pair[size:]
	}
	return table
}

func removeLatin1(s string) string {
	var out strings.Builder
	for i := range len(s) {
		if plain, found := latin1[rune(s[i])]; found {
			out.WriteString(plain)
		} else {
			out.WriteByte(s[i])
		}
	}
	return out.String()
}
