<?php
/**
 * A persistent object cache for tests: what WordPress keeps in memory for one request, this keeps in files for all of
 * them, php-fpm's and the command line's, as Redis or Memcached would. It forgets nothing unless told to.
 */

final class WP_Object_Cache {
	/** @var array<string,mixed> What this request has read or written. */
	private $read = array();

	private $groups_of_network = array();

	public function directory() {
		return get_temp_dir() . 'object-cache/';
	}

	private function file( $key, $group ) {
		$group = '' === (string) $group ? 'default' : (string) $group;
		$blog  = function_exists( 'is_multisite' ) && is_multisite() && ! in_array( $group, $this->groups_of_network, true ) ? get_current_blog_id() : 0;
		return $this->directory() . md5( "$blog $group $key" );
	}

	public function get( $key, $group, $force, &$found ) {
		$file = $this->file( $key, $group );
		if ( $force || ! array_key_exists( $file, $this->read ) ) {
			$text = is_file( $file ) ? file_get_contents( $file ) : false;
			if ( false === $text ) {
				$found = false;
				return false;
			}
			$this->read[ $file ] = unserialize( $text );
		}
		$found = true;
		$value = $this->read[ $file ];
		return is_object( $value ) ? clone $value : $value;
	}

	/** Replaced in one step: another process never reads half a value. */
	public function set( $key, $value, $group ) {
		$file = $this->file( $key, $group );
		if ( ! is_dir( $this->directory() ) ) {
			mkdir( $this->directory(), 0777, true );
		}
		$this->read[ $file ] = is_object( $value ) ? clone $value : $value;
		$next                = $file . '.' . getmypid();
		return false !== file_put_contents( $next, serialize( $value ) ) && rename( $next, $file );
	}

	public function delete( $key, $group ) {
		$file = $this->file( $key, $group );
		unset( $this->read[ $file ] );
		return is_file( $file ) && unlink( $file );
	}

	public function flush() {
		$this->read = array();
		array_map( 'unlink', glob( $this->directory() . '*' ) );
		return true;
	}

	public function share( $groups ) {
		$this->groups_of_network = array_merge( $this->groups_of_network, (array) $groups );
	}
}

function wp_cache_init() {
	$GLOBALS['wp_object_cache'] = new WP_Object_Cache();
}

function wp_cache_get( $key, $group = '', $force = false, &$found = null ) {
	return $GLOBALS['wp_object_cache']->get( $key, $group, $force, $found );
}

function wp_cache_set( $key, $data, $group = '', $expire = 0 ) {
	return $GLOBALS['wp_object_cache']->set( $key, $data, $group );
}

function wp_cache_add( $key, $data, $group = '', $expire = 0 ) {
	$GLOBALS['wp_object_cache']->get( $key, $group, true, $found );
	return ! $found && ! wp_suspend_cache_addition() && wp_cache_set( $key, $data, $group );
}

function wp_cache_replace( $key, $data, $group = '', $expire = 0 ) {
	$GLOBALS['wp_object_cache']->get( $key, $group, true, $found );
	return $found && wp_cache_set( $key, $data, $group );
}

function wp_cache_delete( $key, $group = '' ) {
	return $GLOBALS['wp_object_cache']->delete( $key, $group );
}

function wp_cache_flush() {
	return $GLOBALS['wp_object_cache']->flush();
}

function wp_cache_incr( $key, $offset = 1, $group = '' ) {
	$value = max( 0, (int) wp_cache_get( $key, $group ) + $offset );
	wp_cache_set( $key, $value, $group );
	return $value;
}

function wp_cache_decr( $key, $offset = 1, $group = '' ) {
	return wp_cache_incr( $key, -$offset, $group );
}

function wp_cache_close() {
	return true;
}

function wp_cache_add_global_groups( $groups ) {
	$GLOBALS['wp_object_cache']->share( $groups );
}

function wp_cache_add_non_persistent_groups( $groups ) {}

function wp_cache_switch_to_blog( $blog_id ) {}
